package scanlink

// Profiles are the names that Plan.Profile may have; package engine says what each does and how heavy it is.
var Profiles = []string{"discovery", "pci", "full", "fast", "web", "penetration"}
