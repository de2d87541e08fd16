package mapping

func (m *Map) rivals() []error { return nil }
