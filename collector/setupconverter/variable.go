package setupconverter

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// variable is a setting that comes from the environment: its value as resolved, with defaults,
// and what it has to look like.
type variable struct {
	Value   string `mapstructure:"value"`
	Kind    string `mapstructure:"kind"`
	Example string `mapstructure:"example"`
	// The options that keep strangers away from an address to listen on.
	GuardedBy []string `mapstructure:"guarded_by"`
}

// isUnset says whether what requires the variable is off. A switch that is off counts as unset.
func (v variable) isUnset() bool {
	return v.Value == "" || (v.Kind == "switch" && v.Value == "false")
}

// check returns one line that names the variable, its value and what to do; a secret's value is
// never shown.
func (v variable) check(name string) error {
	problem, shown := "", strconv.Quote(v.Value)
	switch v.Kind {
	case "url":
		problem = urlProblem(v.Value)
		shown = strconv.Quote(redactedURL(v.Value))
	case "address":
		problem = addressProblem(v.Value)
	case "port":
		if number, err := strconv.ParseUint(v.Value, 10, 16); err != nil || number == 0 {
			problem = "is not a port number from 1 to 65535"
		}
	case "host":
		if v.Value == "" || strings.ContainsAny(v.Value, "/ \t\r\n") {
			problem = "is not a host name or an address to listen on"
		}
	case "domain":
		if v.Value == "" || !strings.Contains(v.Value, ".") || strings.ContainsAny(v.Value, "/: \t\r\n") {
			problem = "is not a bare domain name"
		}
	case "switch":
		if v.Value != "true" && v.Value != "false" {
			problem = "is neither true nor false"
		}
	case "number":
		if number, err := strconv.ParseFloat(v.Value, 64); err != nil || number < 0 {
			problem = "is not a number from 0 on"
		}
	case "whole number":
		if _, err := strconv.ParseUint(v.Value, 10, 32); err != nil {
			problem = "is not a whole number from 0 on"
		}
	case "percentage":
		if number, err := strconv.ParseFloat(v.Value, 64); err != nil || number < 0 || number > 100 {
			problem = "is not a number from 0 to 100"
		}
	case "text":
		if strings.ContainsAny(v.Value, "\r\n") {
			problem = "has a line break in it"
		}
	case "file":
		problem = fileProblem(v.Value)
	case "secret":
		shown = "the value"
		if strings.ContainsAny(v.Value, " \t\r\n") {
			problem = "has a space or a line break in it"
		}
	case "directory":
		problem = directoryProblem(v.Value)
	default:
		return fmt.Errorf("%s::variables::%s: unknown kind %q", setupKey, name, v.Kind)
	}
	if problem == "" {
		return nil
	}
	if v.Example != "" {
		problem += ", such as " + v.Example
	}
	return fmt.Errorf("%s: %s %s", name, shown, problem)
}

func urlProblem(value string) string {
	parsed, err := url.Parse(value)
	switch {
	case err != nil || (parsed.Scheme != "http" && parsed.Scheme != "https"):
		return "is not an http:// or https:// URL"
	case parsed.Hostname() == "" || strings.ContainsAny(value, " \t\r\n"):
		return "is not a URL with a host"
	case parsed.Port() != "" && !isPort(parsed.Port()):
		return "is a URL with a port that is none"
	}
	return ""
}

// redactedURL hides what may be a password.
func redactedURL(value string) string {
	at := strings.LastIndex(value, "@")
	if at < 0 {
		return value
	}
	if parsed, err := url.Parse(value); err == nil {
		return parsed.Redacted()
	}
	return "xxxxx" + value[at:]
}

func addressProblem(value string) string {
	host, port, err := net.SplitHostPort(value)
	if err != nil || strings.ContainsAny(host, "/ \t\r\n") || !isPort(port) {
		return "is not an address of the form host:port"
	}
	return ""
}

func isPort(text string) bool {
	number, err := strconv.ParseUint(text, 10, 16)
	return err == nil && number > 0
}

// isLoopback says whether only this machine can reach the address.
func isLoopback(address string) bool {
	host, _, err := net.SplitHostPort(address)
	ip := net.ParseIP(host)
	return err == nil && (host == "localhost" || (ip != nil && ip.IsLoopback()))
}

func fileProblem(path string) string {
	file, err := os.Open(filepath.Clean(path))
	if err != nil {
		return "can't be read (" + reason(err).Error() + ")"
	}
	_ = file.Close()
	return ""
}

// directoryProblem finds out by creating the folder and a file in it, which is what the disk
// queues are about to do.
func directoryProblem(path string) string {
	if !filepath.IsAbs(path) {
		return "is not an absolute path"
	}
	if err := os.MkdirAll(path, 0o750); err != nil {
		return "can't be created (" + reason(err).Error() + "): name a folder that this user may write to"
	}
	probe, err := os.CreateTemp(path, ".probe-*")
	if err != nil {
		return "can't be written to (" + reason(err).Error() + "): name a folder that this user may write to"
	}
	_ = probe.Close()
	_ = os.Remove(probe.Name())
	return ""
}

// reason is what the system said, less the path that the message has already.
func reason(err error) error {
	var failed *fs.PathError
	if errors.As(err, &failed) {
		return failed.Err
	}
	return err
}
