// Package simulate makes trials to order: whole studies, from screening to the last assessment, as the events that apps,
// registries and randomisation services would have sent. It is the source of the demo portfolio ([Portfolio]), of
// single studies ([Single]), of the trickle that keeps the demo moving ([Live]) and of load for measurements ([Profile]).
//
// Everything is a pure function of a seed and a day: the same seed and the same day give the same events, with the same
// identities, however often and in whatever pieces they are asked for. Nobody is described: pseudonyms, scores and times
// are drawn by chance.
//
// A study is planned before it is written. The plan deals out fates exactly (who leaves, who stops using which portion,
// who completes, how many periods each is engaged in), so that rates are what the blueprint says and not what chance
// makes of them; the writing then fills each fate with ordinary days: weekends, holidays, phones without a network,
// clocks that are wrong, appointments missed, mistakes corrected.
package simulate
