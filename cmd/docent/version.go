package main

import "runtime/debug"

// released is the version of a release, such as v1.2.3. The linker sets it
// (make release). Other builds leave it empty.
var released string

// versionCommand is "docent version".
type versionCommand struct{}

// Run prints the version of the release, or of the module that the command was
// built from.
func (versionCommand) Run(a *app) error {
	version, toolchain := "unknown", "unknown"
	if info, ok := debug.ReadBuildInfo(); ok {
		version, toolchain = info.Main.Version, info.GoVersion
		if version == "" {
			version = "(devel)"
		}
	}
	if released != "" {
		version = released
	}
	if a.globals.JSON {
		return a.printJSON(struct {
			Version string `json:"version"`
			Go      string `json:"go"`
		}{version, toolchain})
	}
	return a.printf("docent %s (%s)\n", version, toolchain)
}
