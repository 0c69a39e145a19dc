package naming

import "strconv"

// parseWeight reads a weight that another program has written. All codecs have
// this one rule:
//
//   - a whole number of 32 bits above 0 is the Weight, at most MaxWeight;
//   - 0 or a negative number asks for no calls: the instance is Draining;
//   - any other text is not a weight (ok is false). The caller keeps it as
//     metadata, so that an odd value does not make the instance unreadable.
func parseWeight(s string) (weight int, draining, ok bool) {
	n, err := strconv.ParseInt(s, 10, 32)
	if err != nil {
		return 0, false, false
	}
	return int(min(max(n, 0), MaxWeight)), n <= 0, true
}
