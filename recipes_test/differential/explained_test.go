//go:build unix

package differential

// explanations are the differences that are meant.
var explanations = map[string]explanation{
	"not UTF-8":         {"naming.md", "text that is not UTF-8 (Jackson also reads UTF-16 and UTF-32, and lets some bytes pass that are no text)"},
	"port":              {"naming.md", "a port outside 0 to 65535"},
	"control character": {"naming.md", "an address with control characters"},
	"digits":            {"naming.md", "numbers in quotes with digits other than 0 to 9"},
	"payload":           {"naming.md", "A payload of a class that the Java program does not have fails there, and is read here"},
	"surrogate":         {"naming.md", "half a surrogate pair is U+FFFD here"},
	"IPv6":              {"naming.md", "Only Docent puts brackets around an IPv6 address"},
	"port 0":            {"naming.md", "a port of 0 is no port"},
	"null part":         {"naming.md", "a part of a uriSpec that is null"},
	"19 digits":         {"naming.md", "a time of 19 digits"},
	"large number":      {"naming.md", "a payload that is a number beyond a `double` is infinite in Java"},
	"exponent":          {"naming.md", "a number with an exponent in Spring's metadata may have another spelling in Java"},
	"key twice":         {"naming.md", "a key that occurs twice, with a first value that does not fit"},
	"class twice":       {"naming.md", "a payload that names its class twice"},
	"time":              {"naming.md", "the first millisecond of the year 1"},
	"late time":         {"naming.md", "a time after the year 9999 is the end of that year here"},

	"empty SharedCount":    {"counter.md", "Curator's `SharedCount` alone fails on an empty znode"},
	"beyond 64 bits":       {"counter.md", "numbers beyond 64 bits"},
	"fraction":             {"counter.md", "fractions are an error"},
	"no item":              {"queue.md", "A frame without an item is a dead letter; Curator drops it"},
	"due late":             {"queue.md", "after the year 9999 is the end of that year"},
	"another name":         {"queue.md", "Curator takes every znode whose name begins with `queue-` for an item"},
	"stranger":             {"interop.md", "A peer in Java or Python counts znodes that Docent ignores"},
	"gate with other data": {"barrier.md", "Curator's gate holds an IP address, and kazoo's gate holds nothing"},
	"below zero":           {"interop.md", "Curator and kazoo sort numbers below zero as texts"},
	"persistent member":    {"interop.md", "A persistent znode is a member for Curator"},
	"unprintable id":       {"interop.md", "an id with characters that cannot be printed, or of more than 256 bytes"},
	"longer than a number": {"counter.md", "Curator ignores what follows the number"},
}
