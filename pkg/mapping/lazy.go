package mapping

// lazy is the text of a block whose rows are parsed when they are first asked for.
type lazy struct {
	text string
	line int   // the number of the text's first line
	lets []let // those that stand above the block
}

// add takes the parser's line at hand. Comments and empty lines since the line before come with it.
func (l *lazy) add(p *parser) {
	if l.line == 0 {
		l.line = p.line
		p.blockAt = p.start
	}
	l.text = p.text[p.blockAt:p.off]
}
