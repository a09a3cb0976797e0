def test_ref(reference):
    path, ways = reference
    from collections import Counter
    print(len(ways.places), ways.calls, ways.seconds)
    print(Counter(p.split(':')[0] for p in ways.places).most_common(60))

def test_same(trial, same):
    ended=trial.begin()
    print(ended.seconds)
    same(trial)
