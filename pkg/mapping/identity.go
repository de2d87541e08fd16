package mapping

import (
	"crypto/sha1"
	"encoding/hex"
	"reflect"

	dpb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/datatypes_go_proto"
	"google.golang.org/protobuf/proto"

	"github.com/chartpost/chartpost/pkg/fhir/plan"
)

func identityKey(m proto.Message, facility string) string {
	ti := plan.OfMessage(m)
	if ti.Identifier < 0 {
		return ""
	}
	list, _ := reflect.ValueOf(m).Elem().Field(ti.Identifier).Interface().([]*dpb.Identifier)
	if len(list) == 0 {
		return ""
	}
	if id := list[0]; id.GetValue() != nil {
		sys := id.GetSystem().GetValue()
		if sys == "" {
			sys = facility
		}
		return ti.Name + "\x00" + sys + "\x00" + id.GetValue().GetValue()
	}
	return ""
}

func resourceID(key string) string {
	h := sha1.Sum([]byte("chartpost" + key))
	h[6], h[8] = h[6]&0x0f|0x50, h[8]&0x3f|0x80
	var b [36]byte
	hex.Encode(b[0:8], h[0:4])
	hex.Encode(b[9:13], h[4:6])
	hex.Encode(b[14:18], h[6:8])
	hex.Encode(b[19:23], h[8:10])
	hex.Encode(b[24:36], h[10:16])
	b[8], b[13], b[18], b[23] = '-', '-', '-', '-'
	return string(b[:])
}
