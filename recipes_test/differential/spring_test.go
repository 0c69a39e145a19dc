//go:build unix

package differential

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/naming"
	"github.com/docent-go/docent/recipes_test/peers"
)

const springClass = "org.springframework.cloud.zookeeper.discovery.ZookeeperInstance"

// springJSON makes the contents of an instance's znode with a payload of
// Spring's class.
func (d dice) springJSON() []byte {
	var metadata []string
	for range d.IntN(4) {
		metadata = append(metadata, pick(d, `"instance_status"`, `"weight"`, `"zone"`, `"zone"`, `""`)+":"+
			pick(d, `"UP"`, `"up"`, `"OUT_OF_SERVICE"`, `"DOWN"`, `""`, `" "`, `"a"`, `"3"`, `"0"`, `"-5"`, `"03"`, `"1.5"`, `"2000000"`, "null", "3", "1.5", "true", "0", "-1", `"x"`, `"y"`, pick(d, "[]", "{}", "1e3", "false")))
	}
	fields := []string{
		`"@class":"` + springClass + `"`, `"id":` + pick(d, `"orders-1"`, `"i1"`, `"a"`, "7", "null", "true", "{}"), `"name":` + pick(d, `"orders"`, `"svc"`, `"b"`, "null", "7", "true", "[]"),
		`"metadata":` + pick(d, "{"+strings.Join(metadata, ",")+"}", "{"+strings.Join(metadata, ",")+"}", "{}", pick(d, "null", "[]", `"x"`, "7")),
	}
	if d.in(8) {
		fields = append(fields, `"more":`+pick(d, anything...))
	}
	if d.in(5) {
		d.Shuffle(len(fields), func(i, j int) { fields[i], fields[j] = fields[j], fields[i] })
	}
	bean := "{" + strings.Join(fields, ",") + "}"
	if d.in(20) {
		bean = `["` + springClass + `",` + pick(d, bean, "{}", "null", "7", "[]") + `]`
	}
	text := `{"name":"svc","id":"i1","address":"10.0.0.1","port":8080,"sslPort":null,"payload":` + bean +
		`,"registrationTimeUTC":1,"serviceType":"DYNAMIC","uriSpec":` + d.spec() + `}`
	return d.wrapped(text)
}

// What a Java program with Spring's class reads, the codec Spring reads. The
// class here is one with the same properties, since Spring's is not on this
// machine.
func TestSpring(t *testing.T) {
	java, d, c := curator(t), throw(t), newTally(t)
	for done := 0; done < amount(t); done += atOnce {
		values := make([][]byte, min(atOnce, amount(t)-done))
		for i := range values {
			values[i] = d.springJSON()
		}
		for i, theirs := range java.Ask(t, "instance", values...) {
			c.count(compareSpring(t, values[i], theirs), values[i])
		}
	}
	c.needs()
	require.NotZero(t, c.rejected)
}

func compareSpring(t *testing.T, value []byte, theirs peers.Answer) outcome {
	t.Helper()
	in, err := naming.Spring().Decode("svc", "i1", value)
	var s seen
	if !theirs.Refused {
		require.NoError(t, json.Unmarshal([]byte(theirs.Text), &s), theirs.Text)
	}
	if theirs.Refused && theirs.Field == "payload" && err != nil {
		return outcome{rejected: true}
	}
	if or(s.Class) != springClass {
		return compareInstance(t, naming.Spring(), value, theirs)
	}
	if err != nil {
		return outcome{explained: whyRejected(value, theirs, err), what: fmt.Sprintf("Docent rejects it (%v), and Spring reads %s", err, theirs.Text)}
	}
	if what := springDiffers(s.Payload.(map[string]any), in); what != "" {
		o := outcome{what: fmt.Sprintf("%s\nSpring: %s\nDocent: %+v", what, theirs.Text, in)}
		if strings.Contains(theirs.Text, `"1E+3"`) {
			o.explained = "exponent"
		}
		return o
	}
	// The rest is as in Curator's layout.
	s.Payload, in.Metadata, in.Weight, in.Draining = nil, nil, 0, false
	what, explained := s.differs(in)
	return outcome{alike: what == "", explained: explained, what: fmt.Sprintf("%s\nSpring: %s\nDocent: %+v", what, theirs.Text, in)}
}

// springDiffers compares the payload of Spring's class with the fields that
// Docent reads from it. A status that is not UP makes Spring's consumers leave
// an instance out.
func springDiffers(payload map[string]any, in naming.Instance) string {
	fields, _ := payload["metadata"].(map[string]any)
	rest := make(map[string]any)
	draining := false
	for key, value := range fields {
		text, ok := value.(string)
		switch {
		case !ok || key == "": // null
		case key == "instance_status":
			draining = draining || strings.TrimSpace(text) != "" && !strings.EqualFold(text, "UP")
		case key == "draining":
			return "draining is not Spring's"
		default:
			rest[key] = text
		}
	}
	was := in.Draining
	if in.Draining = false; fieldsDiffer(rest, in) == "" {
		if was != draining {
			return "the status"
		}
		return ""
	}
	if in.Draining = true; fieldsDiffer(rest, in) == "" && was {
		return "" // by a weight of 0
	}
	return fmt.Sprint("the metadata: ", rest)
}
