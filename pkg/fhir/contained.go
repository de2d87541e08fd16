package fhir

import (
	"fmt"
	"reflect"

	rpb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/resources/bundle_and_contained_resource_go_proto"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/anypb"

	"github.com/chartpost/chartpost/pkg/fhir/plan"
)

// The hub holds contained resources, and Parameters.parameter.resource, packed: as google.protobuf.Any of a ContainedResource.

// Pack packs a resource as the hub holds contained ones. Equal resources give equal bytes.
func Pack(m proto.Message) (*anypb.Any, error) {
	cr, ok := m.(*rpb.ContainedResource)
	if !ok {
		if cr, ok = plan.Wrap(m).(*rpb.ContainedResource); !ok {
			return nil, fmt.Errorf("%s is not a resource of FHIR R4", m.ProtoReflect().Descriptor().Name())
		}
	}
	a := &anypb.Any{}
	err := anypb.MarshalFrom(a, cr, proto.MarshalOptions{Deterministic: true})
	return a, err
}

// Unpack gives a contained resource.
func Unpack(a *anypb.Any) (proto.Message, error) {
	cr := &rpb.ContainedResource{}
	if err := a.UnmarshalTo(cr); err != nil {
		return nil, fmt.Errorf("a contained resource cannot be unpacked: %w", err)
	}
	m := Unwrap(cr)
	if m == nil {
		return nil, fmt.Errorf("a contained resource is empty")
	}
	return m, nil
}

// Wrap puts a resource into a ContainedResource, as a bundle's entry holds it; nil if m is not a resource.
func Wrap(m proto.Message) *rpb.ContainedResource {
	cr, _ := plan.Wrap(m).(*rpb.ContainedResource)
	return cr
}

// Unwrap is the resource within a ContainedResource, nil if there is none.
func Unwrap(cr *rpb.ContainedResource) proto.Message {
	if cr == nil {
		return nil
	}
	v, a := plan.ContainedType().Resource(reflect.ValueOf(cr).Elem())
	if a == nil {
		return nil
	}
	return v.Addr().Interface().(proto.Message)
}

// Contained unpacks contained resources once: it remembers each, so that rules, rows and writers that ask again get the same
// message. It is for one document and one goroutine; the zero value is ready.
type Contained struct {
	known map[*anypb.Any]proto.Message
}

// Unpack is Unpack, remembered.
func (c *Contained) Unpack(a *anypb.Any) (proto.Message, error) {
	if m, ok := c.known[a]; ok {
		return m, nil
	}
	m, err := Unpack(a)
	if err != nil {
		return nil, err
	}
	if c.known == nil {
		c.known = map[*anypb.Any]proto.Message{}
	}
	c.known[a] = m
	return m, nil
}

// Of gives the contained resources of a resource, in their order.
func (c *Contained) Of(m proto.Message) ([]proto.Message, error) {
	t := plan.OfMessage(m)
	if t.Contained < 0 {
		return nil, nil
	}
	packed, _ := reflect.ValueOf(m).Elem().Field(t.Contained).Interface().([]*anypb.Any)
	var out []proto.Message
	for _, a := range packed {
		r, err := c.Unpack(a)
		if err != nil {
			return out, err
		}
		out = append(out, r)
	}
	return out, nil
}

// Append is Append, with the contained resources as they were unpacked, and perhaps changed, here.
func (c *Contained) Append(dst []byte, m proto.Message) ([]byte, error) {
	return appendResource(dst, m, c)
}
