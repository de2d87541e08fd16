package mapping

import "testing"

func TestParseRow(t *testing.T) {
	f, err := ParseFile("x.map", []byte("table PID -> Patient\n> else 5.2[a='b c'] date(01/02/2006)[] name -> Practitioner with 2=NM and no 3 if 5.3 = 'a b'  # yes\n"))
	if err != nil {
		t.Fatal(err)
	}
	r := f.Items[0].(*Table).Rows[0]
	if r.Direction != Forward || !r.Else || r.Place != "5.2[a='b c']" || r.Type != "date" || r.Arg != "01/02/2006" || !r.Each ||
		r.Target != "name -> Practitioner" || len(r.With) != 2 || r.With[1] != "no 3" || r.If[0] != "5.3='a b'" || r.Note != "yes" {
		t.Errorf("%+v", r)
	}
}
