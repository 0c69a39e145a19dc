package main

import (
	"context"
	"log"
	"os"
	"os/exec"
	"path/filepath"
)

// sbomTool lists the modules that a program was built from.
const sbomTool = "github.com/CycloneDX/cyclonedx-gomod/cmd/cyclonedx-gomod@v1.10.0"

// sbom lists the modules in docent, the standard library among them, in the form
// of CycloneDX. They are the same on every platform.
func (r *release) sbom(ctx context.Context, out string) error {
	name := "docent_" + r.bare() + "_sbom.cdx.json"
	log.Print(name)
	cmd := exec.CommandContext(ctx, "go", "run", sbomTool, "bin", "-json", "-std", "-noserial", "-notimestamp",
		"-version", r.version, "-output", filepath.Join(out, name), r.program(r.platforms[0]))
	cmd.Dir = r.stage // of no module
	cmd.Env = append(os.Environ(), "GOWORK=off", "GOFLAGS=")
	_, err := output(cmd)
	return err
}
