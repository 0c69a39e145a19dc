// Package dubbo has no code. Its tests let dubbo-go and package naming/dubbo
// find each other's applications.
//
// It is a module of its own: dubbo-go needs many modules.
package dubbo
