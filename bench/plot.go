package main

import (
	"fmt"
	"html"
	"math"
	"slices"
	"strings"
)

// plot is a chart of lines. Its colours are readable on light and on dark; text
// and axes follow the reader's preference.
type plot struct {
	title, xLabel, yLabel string
	logX                  bool
	lines                 []plotLine
}

type plotLine struct {
	name string
	x, y []float64
}

func (p *plot) add(name string, x, y float64) {
	i := slices.IndexFunc(p.lines, func(l plotLine) bool { return l.name == name })
	if i < 0 {
		i = len(p.lines)
		p.lines = append(p.lines, plotLine{name: name})
	}
	p.lines[i].x, p.lines[i].y = append(p.lines[i].x, x), append(p.lines[i].y, y)
}

const (
	plotWidth, plotHeight = 760, 400
	plotLeft, plotRight   = 70, 580 // beyond plotRight: the names
	plotTop, plotBottom   = 50, 340
)

var plotColours = map[string]string{
	docent: "#1f77d0", floor: "#8a8f98", goZK: "#d98e04", curator: "#d1457b", kazoo: "#2f9e62", etcd: "#8b5cf6",
}

const plotStyle = `<style>
text{font:13px system-ui,sans-serif;fill:#24292f}.title{font-size:15px;font-weight:600}.axis{stroke:#57606a}.grid{stroke:#d0d7de}
@media(prefers-color-scheme:dark){text{fill:#e6edf3}.axis{stroke:#9198a1}.grid{stroke:#3d444d}}
</style>
`

func (p *plot) svg() string {
	var b strings.Builder
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" role="img" aria-label="%s">`+"\n", plotWidth, plotHeight, html.EscapeString(p.title))
	b.WriteString(plotStyle)
	fmt.Fprintf(&b, `<text class="title" x="%d" y="26">%s</text>`+"\n", plotLeft, html.EscapeString(p.title))
	x, y := p.scales()
	for _, v := range y.ticks() {
		at := plotBottom - y.place(v)*(plotBottom-plotTop)
		fmt.Fprintf(&b, `<line class="grid" x1="%d" x2="%d" y1="%.1f" y2="%.1f"/><text x="%d" y="%.1f" text-anchor="end">%s</text>`+"\n",
			plotLeft, plotRight, at, at, plotLeft-8, at+4, short(v))
	}
	for _, v := range p.positions() {
		at := plotLeft + x.place(v)*(plotRight-plotLeft)
		fmt.Fprintf(&b, `<line class="axis" x1="%.1f" x2="%.1f" y1="%d" y2="%d"/><text x="%.1f" y="%d" text-anchor="middle">%s</text>`+"\n",
			at, at, plotBottom, plotBottom+5, at, plotBottom+20, short(v))
	}
	fmt.Fprintf(&b, `<line class="axis" x1="%d" x2="%d" y1="%d" y2="%d"/>`+"\n", plotLeft, plotRight, plotBottom, plotBottom)
	fmt.Fprintf(&b, `<text x="%d" y="%d" text-anchor="middle">%s</text>`+"\n", (plotLeft+plotRight)/2, plotBottom+44, html.EscapeString(p.xLabel))
	fmt.Fprintf(&b, `<text x="%d" y="%d" text-anchor="end">%s</text>`+"\n", plotLeft-8, plotTop-14, html.EscapeString(p.yLabel))
	names := p.nameHeights(y)
	for i, l := range p.lines {
		colour := plotColours[l.name]
		if colour == "" {
			colour = "#0e9aa7"
		}
		var points []string
		for j := range l.x {
			points = append(points, fmt.Sprintf("%.1f,%.1f", plotLeft+x.place(l.x[j])*(plotRight-plotLeft), plotBottom-y.place(l.y[j])*(plotBottom-plotTop)))
		}
		fmt.Fprintf(&b, `<polyline fill="none" stroke="%s" stroke-width="2.5" points="%s"/>`+"\n", colour, strings.Join(points, " "))
		for _, point := range points {
			at := strings.Split(point, ",")
			fmt.Fprintf(&b, `<circle r="3.5" fill="%s" cx="%s" cy="%s"/>`, colour, at[0], at[1])
		}
		fmt.Fprintf(&b, `<text x="%d" y="%.1f" style="fill:%s;font-weight:600">%s</text>`+"\n", plotRight+12, names[i]+4, colour, html.EscapeString(l.name))
	}
	b.WriteString("</svg>\n")
	return b.String()
}

// positions returns the x of all points.
func (p *plot) positions() []float64 {
	var all []float64
	for _, l := range p.lines {
		all = append(all, l.x...)
	}
	slices.Sort(all)
	return slices.Compact(all)
}

func (p *plot) scales() (x, y scale) {
	least, most := math.Inf(1), math.Inf(-1)
	for _, l := range p.lines {
		least, most = min(least, slices.Min(l.y)), max(most, slices.Max(l.y))
	}
	xs := p.positions()
	// The axis covers whole decades, so that the height of a line means the
	// same in every plot.
	y = scale{math.Pow(10, math.Floor(math.Log10(least))), math.Pow(10, math.Ceil(math.Log10(most*1.001))), true}
	return scale{xs[0], xs[len(xs)-1], p.logX}, y
}

// nameHeights places each name beside the end of its line, without overlap.
func (p *plot) nameHeights(y scale) []float64 {
	heights := make([]float64, len(p.lines))
	order := make([]int, len(p.lines))
	for i, l := range p.lines {
		heights[i] = plotBottom - y.place(l.y[len(l.y)-1])*(plotBottom-plotTop)
		order[i] = i
	}
	slices.SortFunc(order, func(a, b int) int {
		if heights[a] < heights[b] {
			return -1
		}
		return 1
	})
	for i := 1; i < len(order); i++ {
		heights[order[i]] = max(heights[order[i]], heights[order[i-1]]+16)
	}
	return heights
}

// scale maps values to 0 to 1.
type scale struct {
	least, most float64
	log         bool
}

func (s scale) place(v float64) float64 {
	if s.most == s.least {
		return 0
	}
	if s.log {
		return math.Log(v/s.least) / math.Log(s.most/s.least)
	}
	return (v - s.least) / (s.most - s.least)
}

// ticks returns the powers of ten. If there are few, it adds their multiples by
// two and five.
func (s scale) ticks() []float64 {
	var ticks []float64
	decades := math.Log10(s.most / s.least)
	for power := s.least; power <= s.most*1.001; power *= 10 {
		for _, step := range []float64{1, 2, 5} {
			if v := power * step; v <= s.most*1.001 && (step == 1 || decades < 3) {
				ticks = append(ticks, v)
			}
		}
	}
	return ticks
}

func short(v float64) string {
	if v >= 1000 {
		return fmt.Sprintf("%gk", math.Round(v*100)/100/1000)
	}
	return fmt.Sprintf("%g", math.Round(v*1e6)/1e6)
}
