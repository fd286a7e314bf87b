package stats

// estimable says for each arm why it has no finite hazard ratio to the first, or
// "". The likelihood of arm indicators has a finite maximum between two arms
// exactly if each can be reached from the other in the graph that has an edge
// a → b wherever somebody of a had an event while somebody of b was at risk;
// this is Ford's condition for paired comparisons (Am Math Mon 1957;64:28-33),
// an event being a comparison with those at risk. Reason at 0 is why no arm has
// one.
func estimable(tables [][]moment, arms int) []Reason {
	participants, events := countArms(tables, arms)
	reasons := make([]Reason, arms)
	for arm := range arms {
		switch {
		case participants[arm] == 0:
			reasons[arm] = ReasonNoParticipants
		case events[arm] == 0:
			reasons[arm] = ReasonNoEvents
		}
	}
	if reasons[0] == ReasonNoEvents {
		reasons[0] = ReasonNoReferenceEvents
	}
	edges := outlived(tables, arms)
	forward, backward := reach(edges, false), reach(edges, true)
	for arm := range arms {
		if reasons[arm] == "" && !(forward[arm] && backward[arm]) {
			reasons[arm] = ReasonNotEstimable
		}
	}
	return reasons
}

// outlived returns edges[a][b]: an event in a while b was at risk.
func outlived(tables [][]moment, arms int) [][]bool {
	edges := make([][]bool, arms)
	for arm := range edges {
		edges[arm] = make([]bool, arms)
	}
	for _, table := range tables {
		for _, m := range table {
			for a, d := range m.armEvents {
				if d == 0 {
					continue
				}
				for b, n := range m.armAtRisk {
					edges[a][b] = edges[a][b] || n > 0
				}
			}
		}
	}
	return edges
}

// reach returns the arms that can be reached from the first, along the edges or
// against them.
func reach(edges [][]bool, against bool) []bool {
	seen := make([]bool, len(edges))
	seen[0] = true
	for queue := []int{0}; len(queue) > 0; queue = queue[1:] {
		from := queue[0]
		for to := range edges {
			edge := edges[from][to]
			if against {
				edge = edges[to][from]
			}
			if edge && !seen[to] {
				seen[to] = true
				queue = append(queue, to)
			}
		}
	}
	return seen
}
