package cli

// heedLimits has nothing to do: Windows has no such signals.
func heedLimits() {}
