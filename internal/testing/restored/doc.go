// Package restored tests every recipe on servers that are restored from a backup
// within the session timeout. History goes back under clients that run on: what
// they have given up exists again, and what they have made is missing.
package restored
