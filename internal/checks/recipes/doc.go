// Package recipes has tests of what the recipes do next to each other: at the
// path of another recipe, and without an id.
package recipes
