package ui

import (
	"crypto/rand"
	"fmt"
	"strings"
)

// The rule for a token that a user chose.
const (
	minToken     = 22 // characters: 128 bits, if each is one of 64 at random
	maxToken     = 256
	minDifferent = 8  // different characters
	minSteps     = 12 // different pairs of neighbours that are not a run
)

// NewToken returns a random token of 130 bits.
func NewToken() string { return rand.Text() }

// CheckToken returns an error if a token is too short, too easy to guess, or has
// a character that a browser or a client would change. The error states the
// rule, and does not show the token.
func CheckToken(token string) error {
	different, steps := make(map[rune]bool), make(map[[2]rune]bool)
	var before rune
	for _, c := range token {
		if !isTokenRune(c) {
			return fmt.Errorf("a token has only letters, digits and -._~+/=; make one with openssl rand -hex 16")
		}
		different[c] = true
		if d := c - before; before != 0 && (d < -1 || d > 1) { // not a run such as abc, 321 or xxx
			steps[[2]rune{before, c}] = true
		}
		before = c
	}
	if len(token) < minToken || len(token) > maxToken || len(different) < minDifferent || len(steps) < minSteps {
		return fmt.Errorf("a token has %d to %d characters, at least %d different ones, without runs (abc, 111) and repeated words; "+
			"make one with openssl rand -hex 16", minToken, maxToken, minDifferent)
	}
	return nil
}

// isTokenRune reports whether a bearer token (RFC 6750) may have the character.
func isTokenRune(c rune) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || strings.ContainsRune("-._~+/=", c)
}
