# _heapq and _bisect; what else is in their Python modules is built on these.
import bisect
import heapq
import random


def attempt(f):
    try:
        return f()
    except Exception as e:
        return f"{type(e).__name__}: {e}"


r = random.Random(3)
data = [r.randrange(100) for _ in range(200)]
heap = []
for x in data:
    heapq.heappush(heap, x)
print([heapq.heappop(heap) for _ in data] == sorted(data))
heap = list(data)
heapq.heapify(heap)
print(all(heap[(i - 1) // 2] <= heap[i] for i in range(1, len(heap))))
print(heapq.heapreplace(heap, 1000) == min(data), heapq.heappushpop(heap, -1), heapq.heappushpop([], 4))
print(heapq.nsmallest(3, data), heapq.nlargest(3, data), list(heapq.merge([1, 4], [2, 3])))
print(attempt(lambda: heapq.heappop([])))
print(attempt(lambda: heapq.heapreplace([], 1)))
print(attempt(lambda: heapq.heappush((), 1)))
print(attempt(lambda: heapq.heapify([1, "a"])))


class Shrinks:
    def __lt__(self, other):
        victim.clear()
        return True


victim = [Shrinks() for _ in range(9)]
print(attempt(lambda: heapq.heapify(victim)))
victim = [Shrinks() for _ in range(9)]
print(attempt(lambda: heapq.heappop(victim)))

print("-- bisect")
rows = [1, 2, 2, 2, 5]
print(bisect.bisect_left(rows, 2), bisect.bisect(rows, 2), bisect.bisect_right(rows, 0), bisect.bisect_left(rows, 9))
print(bisect.bisect(rows, 2, 2, 3), bisect.bisect(rows, 2, lo=4), bisect.bisect_left(rows, 2, hi=1))
print(bisect.bisect(["a", "bb", "cccc"], 3, key=len))
bisect.insort(rows, 3)
bisect.insort_left(rows, 2)
print(rows)
words = ["a", "bb", "dddd"]
bisect.insort(words, "ccc", key=len)
print(words)


class Rows:
    def __init__(self):
        self.items = [10, 20]

    def __len__(self):
        return len(self.items)

    def __getitem__(self, i):
        return self.items[i]

    def insert(self, i, x):
        self.items.insert(i, x)


own = Rows()
bisect.insort(own, 15)
print(own.items)
print(attempt(lambda: bisect.bisect(rows, 1, -1)))
print(attempt(lambda: bisect.bisect(rows, "a")))
print(attempt(lambda: bisect.bisect(10, 1)))
print(attempt(lambda: bisect.bisect(rows, 2, 0, 100)))
