package reference

import (
	"io"
	"strings"

	"github.com/alecthomas/kong"
)

// Man writes the manual page, section 1, in the man macros of troff.
func Man(w io.Writer, app *kong.Application) error {
	all := commands(app)
	s := &script{w: w}
	s.line(`.TH %s 1`, strings.ToUpper(app.Name))
	s.line(`.SH NAME`)
	s.line(`%s \- %s`, app.Name, troff(sentence(firstLine(app.Help))))
	s.line(`.SH SYNOPSIS`)
	s.line(`.B %s`, app.Name)
	s.line(`\fIcommand\fR [\fIarguments\fR] [\fIflags\fR]`)
	s.line(`.SH DESCRIPTION`)
	s.paragraphs(app.Help)
	s.line(`.SH COMMANDS`)
	for _, c := range all[1:] {
		if !c.Leaf() {
			continue
		}
		// The heading is the command's whole line, so that a search finds it.
		s.line(`.SS %s`, troff(strings.TrimSpace(c.Summary())))
		s.paragraphs(c.Help)
		s.paragraphs(c.Detail)
		for _, arg := range c.Positional {
			s.line(`.TP`)
			s.line(`.I %s`, troff(strings.ToUpper(arg.Name)))
			s.line(`%s`, troff(arg.Help))
		}
		s.flags(c.flags[len(all[0].flags):])
	}
	s.line(`.SH GLOBAL FLAGS`)
	s.line(`Every command takes these.`)
	s.flags(all[0].flags)
	return s.err
}

// flags writes a list of flags.
func (s *script) flags(flags []*kong.Flag) {
	for _, flag := range flags {
		s.line(`.TP`)
		s.line(`\fB%s\fR`, troff(flag.String()))
		s.line(`%s`, troff(flag.Help))
	}
}

// paragraphs writes a text whose paragraphs are separated by empty lines.
func (s *script) paragraphs(text string) {
	for _, paragraph := range strings.Split(text, "\n\n") {
		if paragraph = strings.TrimSpace(paragraph); paragraph != "" {
			s.line(`.PP`)
			s.line(`%s`, troff(strings.ReplaceAll(paragraph, "\n", " ")))
		}
	}
}

func firstLine(text string) string {
	line, _, _ := strings.Cut(text, "\n")
	return line
}

// troff quotes a text, so that troff sees no request or escape in it.
func troff(text string) string {
	text = strings.NewReplacer(`\`, `\e`, `-`, `\-`).Replace(text)
	if strings.HasPrefix(text, ".") || strings.HasPrefix(text, "'") {
		text = `\&` + text
	}
	return text
}
