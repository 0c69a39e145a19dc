package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"

	"github.com/docent-go/docent/cmd/docent/internal/ui"
)

// uiTokens are the tokens of the page: both, one to look, or none.
type uiTokens struct {
	look, act string
	// lookGiven and actGiven are set if the user has the token already. Such a
	// token is not printed.
	lookGiven, actGiven bool
}

// tokens returns the tokens that the flags ask for. Its errors show none.
func (c *uiCommand) tokens() (uiTokens, error) {
	switch {
	case c.NoToken && c.AllowActions:
		return uiTokens{}, usagef("ui: --no-token and --allow-actions together let every user of this machine change ZooKeeper; leave one out")
	case c.NoToken && (c.Token != "" || c.TokenFile != ""):
		return uiTokens{}, usagef("ui: --no-token, but a token is given with --token, DOCENT_UI_TOKEN or --token-file; leave one out")
	case c.Token != "" && c.TokenFile != "":
		return uiTokens{}, usagef("ui: --token (or DOCENT_UI_TOKEN) and --token-file both give the token; leave one out")
	case c.NoToken:
		return uiTokens{}, nil
	}
	tokens := uiTokens{look: ui.NewToken(), act: ui.NewToken()}
	switch {
	case c.Token != "":
		if err := ui.CheckToken(c.Token); err != nil {
			return uiTokens{}, usagef("ui: --token (or DOCENT_UI_TOKEN): %v", err)
		}
		tokens.look, tokens.lookGiven = c.Token, true
	case c.TokenFile != "":
		text, err := keepSecret(c.TokenFile, tokens.look+"\n"+tokens.act+"\n")
		if err != nil {
			return uiTokens{}, &taskError{task: "ui: --token-file " + c.TokenFile, err: err,
				hint: "give a file of your own with mode 0600, or one that does not exist"}
		}
		if tokens, err = parseTokens(text, c.AllowActions); err != nil {
			return uiTokens{}, usagef("ui: --token-file %s: %v", c.TokenFile, err)
		}
	}
	if !c.AllowActions {
		tokens.act, tokens.actGiven = "", false
	}
	return tokens, nil
}

// parseTokens reads the text of a token file.
func parseTokens(text string, both bool) (uiTokens, error) {
	lines := strings.Fields(text)
	switch {
	case len(lines) == 0:
		return uiTokens{}, errors.New("the file is empty; delete it, and docent creates it")
	case len(lines) > 2:
		return uiTokens{}, errors.New("the file has more than two words; keep the token to look and the token to act")
	case both && len(lines) == 1:
		return uiTokens{}, errors.New("the file has no token to act; add a second line with one")
	case len(lines) == 2 && lines[0] == lines[1]:
		return uiTokens{}, errors.New("the token to look and the token to act are the same; change one")
	}
	for i, token := range lines {
		if err := ui.CheckToken(token); err != nil {
			return uiTokens{}, fmt.Errorf("token %d: %w", i+1, err)
		}
	}
	return uiTokens{look: lines[0], act: lines[len(lines)-1], lookGiven: true, actGiven: true}, nil
}

// maxSecret is the size of a secret's file, in bytes.
const maxSecret = 4 << 10

// keepSecret returns the text of a file that only the current user may read. If
// the file does not exist, keepSecret creates it with the given text.
//
// It follows no link, and waits for no other program. It fails if the file is
// not a regular file, belongs to another user, or has rights for others.
func keepSecret(path, fresh string) (text string, err error) {
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_EXCL|noFollow, 0o600)
	created := err == nil
	if errors.Is(err, fs.ErrExist) {
		file, err = os.OpenFile(path, os.O_RDONLY|noFollow, 0)
	}
	if err != nil {
		return "", err
	}
	if created {
		_, err = file.WriteString(fresh)
		if err = errors.Join(err, file.Sync(), file.Close()); err != nil {
			return "", errors.Join(err, os.Remove(path))
		}
		return fresh, nil
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return "", err
	}
	if !info.Mode().IsRegular() {
		return "", errors.New("it is not a regular file")
	}
	if err := checkPrivate(info); err != nil {
		return "", err
	}
	data, err := io.ReadAll(io.LimitReader(file, maxSecret+1))
	if err == nil && len(data) > maxSecret {
		err = fmt.Errorf("it has more than %d bytes", maxSecret)
	}
	return string(data), err
}
