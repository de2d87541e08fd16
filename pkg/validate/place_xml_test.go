package validate

import (
	"strings"
	"testing"
)

func TestLocateXML(t *testing.T) {
	const text = `<!-- of ours --><f:entry xmlns:f="http://hl7.org/fhir"><f:fullUrl value="a>b"/><f:resource><f:Patient>
  <f:id value="1"/><f:contained><f:Device><f:status value="x"/></f:Device></f:contained><f:name><f:given value="A"/><f:given value="B"/></f:name>
  <f:text><div><p>given</p><!-- <f:name> --></div></f:text><f:name><f:family value="C"/></f:name><f:deceasedBoolean value="true"/></f:Patient></f:resource></f:entry>`
	for _, c := range []struct {
		path []step
		want string
	}{
		{nil, "<f:entry"},
		{[]step{{name: "fullUrl", n: -1}}, "<f:fullUrl"},
		{[]step{{name: "resource", n: -1}}, "<f:Patient"},
		{[]step{{name: "resource", n: -1}, {name: "name", n: 0}, {name: "given", n: 1}}, `<f:given value="B"`},
		{[]step{{name: "resource", n: -1}, {name: "name", n: 1}, {name: "family", n: -1}}, "<f:family"},
		{[]step{{name: "resource", n: -1}, {name: "contained", n: 0}, {name: "status", n: -1}}, "<f:status"},
		{[]step{{name: "resource", n: -1}, {name: "deceased", n: -1, json: "deceasedBoolean"}}, "<f:deceasedBoolean"},
		{[]step{{name: "resource", n: -1}, {name: "gender", n: -1}}, "<f:Patient"},
		{[]step{{name: "resource", n: -1}, {name: "name", n: 1}, {name: "given", n: 0}}, "<f:name><f:family"},
	} {
		if at := locateXML(text, c.path); !strings.HasPrefix(text[at:], c.want) {
			t.Errorf("%s leads to %.30s, want %s", pathText(c.path), text[at:], c.want)
		}
	}
	for i := range text { // of a text that is cut off some place within it is found
		if at := locateXML(text[:i], []step{{name: "resource", n: -1}, {name: "name", n: 1}, {name: "family", n: -1}}); at > i {
			t.Fatalf("%d of %d", at, i)
		}
	}
}
