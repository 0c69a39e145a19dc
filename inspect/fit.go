package inspect

// fit drops the names and the data of nodes that do not fit into the option
// MaxBytes. It is called for one level after the other, with the nodes in order,
// so the result does not depend on the order of the answers.
func (s *scan) fit(nodes []*node) {
	for _, n := range nodes {
		names := 0
		for _, name := range n.names {
			names += len(name)
		}
		if s.held+names > s.options.maxBytes {
			n.names, n.shape, n.unrecognised, n.oldest = nil, shapePlain, nil, ""
			n.leaveOut(int(n.stat.NumChildren), reasonBytes)
			names = 0
		}
		s.held += names
		switch size := len(n.data); {
		case n.oversize > 0:
			s.leaveOut(n, n.oversize)
		case s.held+size > s.options.maxBytes:
			n.data = nil
			s.leaveOut(n, size)
		default:
			s.held += size
		}
	}
}

// maxFirst is how many paths LeftOut.First has at most.
const maxFirst = 3

// leaveOut counts a node whose data is left out, once.
func (s *scan) leaveOut(n *node, size int) {
	if n.out {
		return
	}
	n.out = true
	s.out.Znodes++
	s.out.Bytes += int64(size)
	if len(s.out.First) < maxFirst {
		s.out.First = append(s.out.First, n.path)
	}
}

// trim drops the data of a recipe's node that is too large for a recipe.
func (n *node) trim() {
	if len(n.data) > maxData {
		n.oversize, n.data = len(n.data), nil
	}
}
