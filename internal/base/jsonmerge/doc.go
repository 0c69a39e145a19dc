// Package jsonmerge applies a change of a JSON value to another text of that
// value. The other text may have fields that the changing program does not
// know.
//
// A program decodes the text of a node, changes the decoded value, and encodes
// the result. Its types drop unknown fields, and its encoder has a layout of
// its own. [Merge] takes three texts: the node's, and the encoder's before and
// after the change. It applies the differences between the last two to the
// node's text. Everything else keeps its bytes: unknown fields, the digits of
// numbers, the order of keys, white space.
//
// # Limits
//
//   - An element of an array has no name. Elements that are equal before and
//     after belong together, wherever they are. If two equal ones enclose the
//     same number of other elements before and after, these are paired in
//     their order. Every other element of the new array is new. Unknown fields
//     of an unpaired old element are lost.
//   - If the encoder omits a value after the change, or makes it null, the
//     value is removed with everything in it.
//   - If an object has a key twice, a change leaves one, without the unknown
//     fields of its value.
package jsonmerge
