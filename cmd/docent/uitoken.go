package main

import (
	"errors"
	"fmt"
	"strings"

	"github.com/docent-go/docent/cmd/docent/internal/ui"
	"github.com/docent-go/docent/internal/base/atomicfile"
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
		text, err := atomicfile.Secret(c.TokenFile, []byte(tokens.look+"\n"+tokens.act+"\n"))
		if err != nil {
			return uiTokens{}, withTask("ui: --token-file", err)
		}
		if tokens, err = parseTokens(string(text), c.AllowActions); err != nil {
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
