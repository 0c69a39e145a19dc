// Package ui has the tests of the page that docent ui serves: a real browser
// without a window looks at it while a real ensemble changes.
package ui
