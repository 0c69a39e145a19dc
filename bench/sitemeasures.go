package main

// siteMeasures repeats the most important measures with longer round trips, and
// with three servers.
func siteMeasures() []measure {
	var all []measure
	for _, site := range []string{rtt0, rtt1, rtt5} {
		for _, m := range []measure{
			{name: "latency/lock", title: "Lock + Release, uncontended", clients: 1, subjects: uncontended(30)},
			{name: "latency/resign", title: "Leadership handed on by Resign", clients: 2, subjects: resigned(8)},
			{name: "latency/config", title: "Config published until Load has it", clients: 2, subjects: visible(25)},
		} {
			all = append(all, m.behind(site, growthRounds))
		}
		if site == rtt0 {
			continue // the other measures show the proxy's own cost
		}
		for _, m := range []measure{
			contended("latency/contended-8", 8, 80),
			contended("latency/contended-50", 50, 150),
			handedOn("latency/handed-on", 8, 80),
		} {
			m.budgets, m.cold = []budget{against(floor, 1.15)}, true
			all = append(all, m.behind(site, 2))
		}
	}
	contended := contended("three/contended-8", 8, 250)
	contended.title += ", three servers"
	contended.budgets = []budget{against(curator, 0.70)}
	for _, m := range []measure{
		{name: "three/lock", title: "Lock + Release, uncontended, with the token", clients: 1, subjects: uncontended(120)},
		contended,
		{name: "three/config", title: "Config published until Load has it", clients: 2, subjects: visible(80)},
		{name: "three/put", title: "Put of an item of 100 bytes", clients: 1, subjects: putSubjects(120)},
	} {
		m.site, m.rounds = three, growthRounds
		m.subjects = without(m.subjects, etcd)
		all = append(all, m)
	}
	return all
}

// behind returns the measure with longer round trips. etcd is not measured
// there.
func (m measure) behind(site string, rounds int) measure {
	m.name, m.site, m.rounds = m.name+"-"+site, site, rounds
	m.axis, m.x = "ms added to a round trip", map[string]float64{rtt0: 0, rtt1: 1, rtt5: 5}[site]
	m.subjects, m.absent = without(m.subjects, etcd), nil
	return m
}

func without(subjects []subject, name string) []subject {
	var kept []subject
	for _, s := range subjects {
		if s.name != name {
			kept = append(kept, s)
		}
	}
	return kept
}
