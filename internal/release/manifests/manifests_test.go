package manifests

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	"k8s.io/apimachinery/pkg/labels"
	utilyaml "k8s.io/apimachinery/pkg/util/yaml"
	podsecurity "k8s.io/pod-security-admission/api"
	"k8s.io/pod-security-admission/policy"
	"sigs.k8s.io/yaml"
)

const dir = "../../../deploy/kubernetes"

// object is a document of a file.
type object struct {
	kind, name string
	selector   map[string]string // of a workload
	pod        *corev1.PodTemplateSpec
	service    *corev1.Service
	ingress    *networkingv1.Ingress
}

// decode reads a document. A field that its kind does not have, or that occurs
// twice, is an error.
func decode(document []byte) (*object, error) {
	var meta struct {
		APIVersion string `json:"apiVersion"`
		Kind       string `json:"kind"`
	}
	if err := yaml.Unmarshal(document, &meta); err != nil {
		return nil, err
	}
	switch kind := meta.APIVersion + " " + meta.Kind; kind {
	case "apps/v1 Deployment":
		var d appsv1.Deployment
		if err := yaml.UnmarshalStrict(document, &d); err != nil {
			return nil, err
		}
		return &object{kind: meta.Kind, name: d.Name, selector: d.Spec.Selector.MatchLabels, pod: &d.Spec.Template}, nil
	case "batch/v1 CronJob":
		var c batchv1.CronJob
		err := yaml.UnmarshalStrict(document, &c)
		return &object{kind: meta.Kind, name: c.Name, pod: &c.Spec.JobTemplate.Spec.Template}, err
	case "v1 Service":
		var s corev1.Service
		err := yaml.UnmarshalStrict(document, &s)
		return &object{kind: meta.Kind, name: s.Name, service: &s}, err
	case "networking.k8s.io/v1 Ingress":
		var i networkingv1.Ingress
		err := yaml.UnmarshalStrict(document, &i)
		return &object{kind: meta.Kind, name: i.Name, ingress: &i}, err
	default:
		return nil, fmt.Errorf("no test knows %s", kind)
	}
}

// documents returns the objects of a file.
func documents(t *testing.T, file string) (all []*object) {
	t.Helper()
	text, err := os.ReadFile(file)
	require.NoError(t, err)
	reader := utilyaml.NewDocumentDecoder(io.NopCloser(bytes.NewReader(text)))
	defer func() { require.NoError(t, reader.Close()) }()
	for buffer := make([]byte, 64<<10); ; {
		n, err := reader.Read(buffer)
		if errors.Is(err, io.EOF) {
			require.NotEmpty(t, all, file)
			return all
		}
		require.NoError(t, err)
		one, err := decode(buffer[:n])
		require.NoError(t, err, filepath.Base(file))
		require.NotEmpty(t, one.name)
		all = append(all, one)
	}
}

func TestManifests(t *testing.T) {
	files, err := filepath.Glob(dir + "/*.yaml")
	require.NoError(t, err)
	require.Len(t, files, 5)
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			all := documents(t, file)
			for _, one := range all {
				if one.pod != nil {
					require.NoError(t, faultOf(one), one.name)
				}
				if one.service != nil {
					require.True(t, serves(all, one.service), "no pod for the Service %s", one.name)
				}
				if one.ingress != nil {
					require.True(t, routes(all, one.ingress), "no Service for the Ingress %s", one.name)
				}
			}
		})
	}
}

// faultOf says what is wrong with the pod of a workload.
func faultOf(one *object) error {
	spec := &one.pod.Spec
	if one.kind == "Deployment" && (len(one.selector) == 0 || !labels.SelectorFromSet(one.selector).Matches(labels.Set(one.pod.Labels))) {
		return errors.New("the selector does not select the pods")
	}
	checks, err := policy.NewEvaluator(policy.DefaultChecks(), nil)
	if err != nil {
		return err
	}
	restricted := podsecurity.LevelVersion{Level: podsecurity.LevelRestricted, Version: podsecurity.LatestVersion()}
	if result := policy.AggregateCheckResults(checks.EvaluatePod(restricted, &one.pod.ObjectMeta, spec)); !result.Allowed {
		return errors.New(result.ForbiddenDetail())
	}
	if spec.AutomountServiceAccountToken == nil || *spec.AutomountServiceAccountToken {
		return errors.New("the pod gets a token of the cluster, which no program here needs")
	}
	for _, c := range slices.Concat(spec.InitContainers, spec.Containers) {
		if err := faultOfContainer(spec, &c); err != nil {
			return fmt.Errorf("container %s: %w", c.Name, err)
		}
	}
	return nil
}

func faultOfContainer(spec *corev1.PodSpec, c *corev1.Container) error {
	switch {
	case c.Resources.Requests.Cpu().IsZero() || c.Resources.Requests.Memory().IsZero() || c.Resources.Limits.Memory().IsZero():
		return errors.New("a request of processor or memory, or the limit of memory, is missing")
	case !c.Resources.Limits.Cpu().IsZero():
		return errors.New("a limit of the processor delays what the session sends")
	case c.SecurityContext.ReadOnlyRootFilesystem == nil || !*c.SecurityContext.ReadOnlyRootFilesystem:
		return errors.New("the file system can be written to")
	case !strings.Contains(c.Image, ":v"):
		return fmt.Errorf("the image %s has no version", c.Image)
	case len(c.Args) > 0:
		return errors.New("the arguments are not in command, where the test of cmd/docent looks for them")
	}
	for _, mount := range c.VolumeMounts {
		if !slices.ContainsFunc(spec.Volumes, func(v corev1.Volume) bool { return v.Name == mount.Name }) {
			return fmt.Errorf("there is no volume %s", mount.Name)
		}
	}
	for _, probe := range []*corev1.Probe{c.LivenessProbe, c.ReadinessProbe, c.StartupProbe} {
		if probe == nil {
			continue
		}
		port := ""
		if probe.HTTPGet != nil {
			port = probe.HTTPGet.Port.String()
		} else if probe.TCPSocket != nil {
			port = probe.TCPSocket.Port.String()
		}
		if !slices.ContainsFunc(c.Ports, func(p corev1.ContainerPort) bool { return p.Name == port }) {
			return fmt.Errorf("a probe asks the port %q, which the container does not have", port)
		}
	}
	if len(c.Command) == 0 || filepath.Base(c.Command[0]) != "docent" {
		return nil
	}
	return faultOfTimes(spec, c.Command)
}

// closing is how long docent may take to end its session, after its command has
// ended: the time that it gives a request.
const closing = 10 * time.Second

// faultOfTimes says whether the pod is killed before docent has resigned.
func faultOfTimes(spec *corev1.PodSpec, command []string) error {
	grace := 5 * time.Second // as docent has it
	for i, word := range command {
		if word == "--grace" {
			var err error
			if grace, err = time.ParseDuration(command[i+1]); err != nil {
				return err
			}
		}
	}
	given := time.Duration(*spec.TerminationGracePeriodSeconds) * time.Second
	if given < grace+closing {
		return fmt.Errorf("the pod is killed after %v, and docent may need %v", given, grace+closing)
	}
	return nil
}

// serves reports whether a Service has a pod with its port.
func serves(all []*object, service *corev1.Service) bool {
	return slices.ContainsFunc(all, func(one *object) bool {
		return one.pod != nil && labels.SelectorFromSet(service.Spec.Selector).Matches(labels.Set(one.pod.Labels)) &&
			slices.ContainsFunc(one.pod.Spec.Containers, func(c corev1.Container) bool {
				return slices.ContainsFunc(c.Ports, func(p corev1.ContainerPort) bool { return p.Name == service.Spec.Ports[0].TargetPort.StrVal })
			})
	})
}

// routes reports whether the backend of an Ingress is a Service.
func routes(all []*object, ingress *networkingv1.Ingress) bool {
	backend := ingress.Spec.Rules[0].HTTP.Paths[0].Backend.Service
	return slices.ContainsFunc(all, func(one *object) bool {
		return one.service != nil && one.name == backend.Name &&
			slices.ContainsFunc(one.service.Spec.Ports, func(p corev1.ServicePort) bool { return p.Name == backend.Port.Name })
	})
}

// What is wrong in a manifest is found.
func TestWrongManifestsAreFound(t *testing.T) {
	text, err := os.ReadFile(dir + "/elect.yaml")
	require.NoError(t, err)
	for was, is := range map[string]string{
		"replicas: 2":                          "replica: 2",
		"terminationGracePeriodSeconds: 30":    "terminationGracePeriodSeconds: 20",
		"runAsNonRoot: true":                   "runAsNonRoot: false",
		"capabilities: {drop: [ALL]}":          "capabilities: {drop: [NET_RAW]}",
		"allowPrivilegeEscalation: false":      "allowPrivilegeEscalation: true",
		"readOnlyRootFilesystem: true":         "readOnlyRootFilesystem: false",
		"requests: {cpu: 100m, memory: 128Mi}": "requests: {cpu: 100m}",
		"limits: {memory: 256Mi}":              "limits: {memory: 256Mi, cpu: 1}",
		"matchLabels: {app.kubernetes.io/name": "matchLabels: {app.kubernetes.io/part-of",
		"automountServiceAccountToken: false":  "automountServiceAccountToken: true",
		"fieldPath: metadata.name":             "fieldPaths: metadata.name",
		"apiVersion: apps/v1":                  "apiVersion: apps/v1beta2",
	} {
		changed := strings.Replace(string(text), was, is, 1)
		require.NotEqual(t, string(text), changed, was)
		one, err := decode([]byte(changed))
		if err == nil {
			err = faultOf(one)
		}
		require.Error(t, err, is)
	}
}
