// Package jsonmerge carries a change of a JSON value over into another text of
// that value, which may hold more than the changed program knows.
//
// A program decodes the text of a node, changes what it has decoded, and
// encodes the result. Its types drop the fields that they do not have, and its
// encoder has a layout of its own. [Merge] takes the three texts: what the node
// holds, what the encoder makes of the decoded value before the change, and
// after it. The result is the node's text with the differences between the
// last two, so that everything else keeps its bytes: unknown fields, the digits
// of numbers, the order of keys, white space.
//
// # Limits
//
//   - An element of an array has no name. Elements that are equal before and after belong
//     together, wherever they stand; of those that differ, as many as lie between
//     two equal ones before and after belong together in turn. Every other element of
//     the new array is new, and what only the node held of an old element is lost
//     with that element.
//   - A value that the encoder leaves out after the change, or makes null, goes
//     with everything in it.
//   - Of a key that an object holds twice, a change leaves one, without what only the
//     node held in it.
package jsonmerge
