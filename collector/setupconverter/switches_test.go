package setupconverter

import (
	"reflect"
	"strings"
	"testing"
)

// withOptions is the small gateway with a second way to loki and with options on both ends.
func withOptions(t *testing.T, values map[string]string) tree {
	t.Helper()
	config := gateway(t, values)
	setup := config["setup"].(tree)
	variables := setup["variables"].(tree)
	for name, kind := range map[string]string{
		"OTHER": "url", "TOKEN": "secret", "CERT": "text", "CERT_KEY": "text", "CA": "text", "CUT": "switch",
	} {
		variables[name] = tree{"value": values[name], "kind": kind, "example": "E"}
	}
	listen := values["LISTEN"]
	if listen == "" {
		listen = "127.0.0.1:4318"
	}
	variables["LISTEN"] = tree{"value": listen, "kind": "address", "guarded_by": ids("token", "ca")}
	setup["backends"].(tree)["loki_too"] = tree{
		"requires": ids("OTHER"), "components": ids("otlp_http/too"), "instead_of": "loki",
	}
	setup["options"] = tree{
		"token": tree{"requires": ids("TOKEN"), "settings": ids("receivers::otlp::auth")},
		"tls":   tree{"requires": ids("CERT", "CERT_KEY"), "settings": ids("receivers::otlp::tls")},
		"ca":    tree{"requires": ids("CA"), "settings": ids("receivers::otlp::tls::ca"), "needs": "tls"},
		"cut":   tree{"requires": ids("CUT"), "components": ids("cutter")},
	}
	setup["extensions"].(tree)["bearer"] = tree{"requires": ids("TOKEN")}
	config["receivers"].(tree)["otlp"] = tree{
		"auth": tree{"authenticator": "bearer"}, "tls": tree{"cert": "c", "ca": "a"}, "endpoint": listen,
	}
	config["processors"].(tree)["cutter"] = nil
	config["exporters"].(tree)["otlp_http/too"] = nil
	config["extensions"].(tree)["bearer"] = nil
	service := config["service"].(tree)
	service["pipelines"].(tree)["logs/too"] = tree{
		"receivers": ids("forward"), "processors": ids("cutter"), "exporters": ids("otlp_http/too"),
	}
	return config
}

func TestOptionsThatAreOffLeaveWithoutAWord(t *testing.T) {
	conf, said, err := convert(t, withOptions(t, map[string]string{"OTHER": "http://o", "CUT": "false"}))
	if err != nil {
		t.Fatal(err)
	}
	wantKeys(t, conf, "receivers::otlp", "endpoint")
	wantKeys(t, conf, "extensions", "health_check")
	if got := conf.Get(pipelinesKey + "::logs/too::processors"); !reflect.DeepEqual(got, ids()) {
		t.Errorf("processors: %v", got)
	}
	if conf.IsSet("processors::cutter") || strings.Contains(said, "cut") || strings.Contains(said, "tls") {
		t.Errorf("processors %v, said: %s", conf.Get("processors"), said)
	}
}

func TestTwoWaysToOnePlaceAreSaid(t *testing.T) {
	line := "loki_too: on beside loki, what arrives goes both ways"
	for values, want := range map[*map[string]string]bool{
		{"LOKI": "http://l", "OTHER": "http://o"}: true, {"LOKI": "http://l"}: false, {"OTHER": "http://o"}: false,
	} {
		_, said, err := convert(t, withOptions(t, *values))
		if err != nil || strings.Contains(said, line) != want {
			t.Errorf("%v: %v, said: %s", *values, err, said)
		}
	}
}

func TestOptionsThatAreOnStay(t *testing.T) {
	conf, _, err := convert(t, withOptions(t, map[string]string{
		"OTHER": "http://o", "CUT": "true", "TOKEN": "t", "CERT": "c", "CERT_KEY": "k", "CA": "a",
	}))
	if err != nil {
		t.Fatal(err)
	}
	wantKeys(t, conf, "receivers::otlp", "endpoint", "auth", "tls")
	wantKeys(t, conf, "receivers::otlp::tls", "cert", "ca")
	wantKeys(t, conf, "extensions", "health_check", "bearer")
	if got := conf.Get(pipelinesKey + "::logs/too::processors"); !reflect.DeepEqual(got, ids("cutter")) {
		t.Errorf("processors: %v", got)
	}
}

func TestAnotherWayToABackendSilencesTheFirst(t *testing.T) {
	for name, test := range map[string]struct {
		values map[string]string
		off    bool
	}{
		"neither": {nil, true},
		"first":   {map[string]string{"LOKI": "http://l"}, false},
		"second":  {map[string]string{"OTHER": "http://o"}, false},
	} {
		t.Run(name, func(t *testing.T) {
			_, said, err := convert(t, withOptions(t, test.values))
			if err != nil {
				t.Fatal(err)
			}
			if strings.Contains(said, "loki: off, LOKI is not set\n") != test.off || strings.Contains(said, "loki_too") {
				t.Errorf("said: %s", said)
			}
		})
	}
}

func TestMistakesInOptionsAreOneLine(t *testing.T) {
	for name, test := range map[string]struct {
		values map[string]string
		want   string
	}{
		"half":         {map[string]string{"CERT": "c"}, "CERT: of no effect, because CERT_KEY is not set"},
		"needs":        {map[string]string{"CA": "a"}, "CA: of no effect, because CERT and CERT_KEY are not set"},
		"not a switch": {map[string]string{"CUT": "yes"}, `CUT: "yes" is neither true nor false, such as E`},
		"its value":    {map[string]string{"TOKEN": "a b"}, "TOKEN: the value has a space or a line break in it, such as E"},
	} {
		t.Run(name, func(t *testing.T) {
			_, _, err := convert(t, withOptions(t, test.values))
			if err == nil || err.Error() != test.want {
				t.Errorf("got %v, want %q", err, test.want)
			}
		})
	}
}

func TestWhatATaskRequiresHasToBeSet(t *testing.T) {
	for name, test := range map[string]struct {
		required []any
		values   map[string]string
		want     string
	}{
		"there":            {[]any{ids("loki")}, map[string]string{"LOKI": "http://l"}, ""},
		"another way":      {[]any{ids("loki")}, map[string]string{"OTHER": "http://o"}, ""},
		"one of them":      {[]any{ids("prom", "loki")}, map[string]string{"PROM": "http://p"}, ""},
		"option":           {[]any{ids("token")}, map[string]string{"TOKEN": "t"}, ""},
		"missing":          {[]any{ids("prom")}, nil, "PROM has to be set for this task"},
		"missing, any way": {[]any{ids("loki")}, nil, "LOKI, or OTHER has to be set for this task, such as E"},
		"missing secret":   {[]any{ids("token", "tls")}, nil, "TOKEN (or TOKEN_FILE), or CERT and CERT_KEY has to be set for this task, such as E"},
	} {
		t.Run(name, func(t *testing.T) {
			config := withOptions(t, test.values)
			config["setup"].(tree)["required"] = test.required
			_, _, err := convert(t, config)
			if got := message(err); got != test.want {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
}

func TestAnAddressOpenToEveryoneIsSaid(t *testing.T) {
	const line = "LISTEN: 0.0.0.0:4318 is open to everyone who can reach it: set TOKEN or CA\n"
	for name, test := range map[string]struct {
		values map[string]string
		open   bool
	}{
		"everywhere": {map[string]string{"LISTEN": "0.0.0.0:4318"}, true},
		"guarded":    {map[string]string{"LISTEN": "0.0.0.0:4318", "TOKEN": "t"}, false},
		"loopback":   {map[string]string{"LISTEN": "[::1]:4318"}, false},
		"localhost":  {map[string]string{"LISTEN": "localhost:4318"}, false},
	} {
		t.Run(name, func(t *testing.T) {
			_, said, err := convert(t, withOptions(t, test.values))
			if err != nil {
				t.Fatal(err)
			}
			if strings.Contains(said, line) != test.open || strings.Contains(said, "LISTEN") != test.open {
				t.Errorf("said: %s", said)
			}
		})
	}
}

func TestUnknownNamesInTheSetup(t *testing.T) {
	for want, change := range map[string]func(setup tree){
		"setup::required: there is no backend and no option lokki": func(s tree) { s["required"] = []any{ids("lokki")} },
		"setup::options::ca: there is no backend and no option tsl": func(s tree) {
			s["options"].(tree)["ca"].(tree)["needs"] = "tsl"
		},
		"setup::variables::LISTEN: there is no backend and no option x": func(s tree) {
			s["variables"].(tree)["LISTEN"].(tree)["guarded_by"] = ids("x")
		},
		"setup::options::cut: CUTT is not among setup::variables": func(s tree) {
			s["options"].(tree)["cut"].(tree)["requires"] = ids("CUTT")
		},
	} {
		config := withOptions(t, nil)
		change(config["setup"].(tree))
		if _, _, err := convert(t, config); message(err) != want {
			t.Errorf("got %v, want %q", err, want)
		}
	}
}

func message(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}
