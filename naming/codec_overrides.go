package naming

import (
	"cmp"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/docent-go/docent/internal/base/znode"
)

// OverrideError says that a rule which Dubbo's operators have written for a
// service has no effect on its instances: they are shown without it. It is among
// View.Problems as long as the rule exists.
type OverrideError struct {
	Service string
	Path    string // of the rule's znode
	Err     error  // the reason; it quotes nothing of the rule
}

func (e *OverrideError) Error() string {
	dir, node := znode.Split(e.Path)
	return fmt.Sprintf("service %q: the rule %s is not applied: %v", e.Service, znode.Join(dir, redact(node)), e.Err)
}

func (e *OverrideError) Unwrap() error { return e.Err }

// ruled is a codec for whose instances operators write rules in other
// directories. The names of the znodes are sufficient.
type ruled interface {
	Codec
	// rules returns the directories, and which of their znodes are rules of the
	// service.
	rules(base, service string) []ruleDir
	// under returns the codec that applies rules, by their paths, and the errors
	// for the rules that it does not apply.
	under(service string, paths []string) (Codec, []*OverrideError)
}

type ruleDir struct {
	path string
	keep func(name string) bool
}

const (
	dubboConfigurators = "configurators"
	rulesSuffix        = "." + dubboConfigurators
	anyHost            = "0.0.0.0"
)

var errYAML = errors.New("rules in YAML are not read here; providers of Dubbo apply those with side: provider themselves")

func (d *dubbo) rules(base, service string) []ruleDir {
	if d.category != dubboProviders {
		return nil
	}
	return []ruleDir{
		{znode.Join(znode.Join(base, javaEscape(service)), dubboConfigurators), func(string) bool { return true }},
		{znode.Join(base, "config/dubbo"), func(name string) bool {
			key, isRule := strings.CutSuffix(name, rulesSuffix)
			name, _, _ = strings.Cut(key, ":") // interface:version:group
			return isRule && name == service
		}},
	}
}

func (d *dubboApplication) rules(_, service string) []ruleDir {
	return []ruleDir{{"/dubbo/config/dubbo", func(name string) bool { return name == service+rulesSuffix }}}
}

func (d *dubbo) under(service string, paths []string) (Codec, []*OverrideError) {
	with := *d
	with.overrides = nil
	var refused []*OverrideError
	for _, path := range paths {
		rule, err := parseOverride(path)
		switch {
		case err != nil:
			refused = append(refused, &OverrideError{service, path, err})
		case rule != nil:
			with.overrides = append(with.overrides, rule)
		}
	}
	slices.SortStableFunc(with.overrides, func(a, b *override) int {
		return cmp.Or(strings.Compare(a.host, b.host), cmp.Compare(a.priority, b.priority))
	})
	return &with, refused
}

func (d *dubboApplication) under(service string, paths []string) (Codec, []*OverrideError) {
	var refused []*OverrideError
	for _, path := range paths {
		refused = append(refused, &OverrideError{service, path, errYAML})
	}
	return d, refused
}

// override is a rule that gives parameters to providers.
type override struct {
	host      string // of the provider if there is a port, and anyHost without one
	port      int
	providers []string // if not empty, the providers to which it applies
	service   string   // group/interface:version, or *
	absent    bool     // it gives only what is missing
	priority  int
	params    map[string]string
}

// conditions are the parameters of a rule that it does not give to providers.
var conditions = []string{
	"category", "check", "dynamic", "enabled", "group", "version", "application", "side", "configVersion", "compatible_config", "interfaces",
	"interface", "anyhost", "priority", "providerAddresses",
}

// parseOverride reads a rule from the path of its znode, as a consumer of Dubbo
// reads it. The rule is nil if it is not for consumers, or has no effect in
// Dubbo either. The error says why Docent does not apply a rule that Dubbo may
// apply.
func parseOverride(path string) (*override, error) {
	_, name := znode.Split(path)
	if strings.HasSuffix(name, rulesSuffix) {
		return nil, errYAML
	}
	text, err := url.QueryUnescape(name)
	if err != nil || !utf8.ValidString(text) {
		return nil, errors.New("its name is not encoded as a URL")
	}
	var in Instance
	body, query, _ := strings.Cut(text, "?")
	from, err := in.takeBody(body)
	protocol, _, _ := strings.Cut(body, "://")
	switch {
	case err != nil:
		return nil, err
	case protocol != "override" && protocol != "absent":
		return nil, fmt.Errorf("it is of the kind %q, and Docent applies override and absent", protocol)
	}
	params := dubboParams(query)
	if params["category"] != dubboConfigurators || params["enabled"] != "" && !isTrue(params["enabled"]) {
		return nil, nil // Dubbo takes it for something else, or for switched off
	}
	versioned := params["configVersion"] != ""
	if side := params["side"]; side != "" && side != "consumer" && side != "*" || versioned && side != "consumer" {
		return nil, nil // providers apply it, and register with what it gives them
	}
	if app := params["application"]; app != "" && app != "*" || app == "" && from.user != "" {
		return nil, errors.New("it is for the consumers of one application, and Docent has none")
	}
	rule := &override{host: in.Address, port: in.Port, absent: protocol == "absent", params: params}
	if versioned {
		rule.port = 0
	}
	if rule.port == 0 && rule.host != anyHost {
		return nil, errors.New("it is for the consumers of one host: Docent applies rules for " + anyHost + ", and for a provider with its port")
	}
	rule.priority, _ = strconv.Atoi(params["priority"]) // 0 as in Dubbo if it is missing
	if list := params["providerAddresses"]; list != "" {
		rule.providers = strings.Split(list, ",")
	}
	_, iface, _ := strings.Cut(strings.TrimPrefix(body, protocol+"://"), "/")
	if given := params["interface"]; given != "" {
		iface = given
	}
	rule.service = dubboServiceKey(iface, params["group"], params["version"])
	for key := range params {
		if strings.HasPrefix(key, "~") {
			return nil, errors.New("it has a condition that begins with ~")
		}
	}
	for _, key := range conditions {
		delete(params, key)
	}
	return rule, nil
}

func dubboServiceKey(iface, group, version string) string {
	if group != "" {
		iface = group + "/" + iface
	}
	if version != "" {
		iface += ":" + version
	}
	return iface
}

// apply gives the rule's parameters to a provider.
func (o *override) apply(in *Instance, given map[string]string) {
	if o.port != 0 && o.port != in.Port || o.host != anyHost && o.host != in.Address {
		return
	}
	if o.service != "*" && o.service != dubboServiceKey(in.Service, given["group"], given["version"]) {
		return
	}
	port := strconv.Itoa(in.Port)
	if len(o.providers) > 0 && !slices.ContainsFunc(o.providers, func(p string) bool {
		return slices.Contains([]string{in.Address + ":" + port, in.Address, anyHost, anyHost + ":*", anyHost + ":" + port}, p)
	}) {
		return
	}
	for key, value := range o.params {
		if _, there := given[key]; !there || !o.absent {
			given[key] = value
		}
	}
}
