package composers

// sessionID is a number for a seeded run, else a random UUID.
func (c *Config) sessionID(i int) string { return c.Seeds.SessionID(i, c.Seeded) }
