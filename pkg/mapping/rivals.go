package mapping

func (m *Map) rivals() Faults { return nil }
