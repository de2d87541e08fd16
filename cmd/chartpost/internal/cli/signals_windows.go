package cli

// heedLimits has nothing to do: Windows has no such signal.
func heedLimits() {}
