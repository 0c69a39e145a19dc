// Package ui tests the page that docent ui serves: a real headless browser
// shows the page while a real ensemble changes.
package ui
