// Package treefile writes a tree of keys as a JSON document or as a directory
// of files, reads both again, and compares trees.
//
// # Files and keys
//
// A directory has a file for each key. The file of the key db/host is db/host.
// A key that also has keys below it has its value in a file with the name
// %value: db/%value.
//
// Names of znodes may be written by anyone, and may contain everything but a
// slash. So only ASCII letters, digits and - _ . + @ , stay as they are. Every
// other byte is % and two hexadecimal digits. So is a first dot or dash of a
// name: no key has the file ., .., a hidden file, or a file that a program
// could take for an option. Every key has exactly one file, and the file is in
// the directory. Files whose names begin with a dot do not belong to keys.
package treefile
