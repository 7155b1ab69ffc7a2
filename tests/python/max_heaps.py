# The max-heap functions of heapq, new in Python 3.14.
import heapq
import random

r = random.Random(8)
data = [r.randrange(50) for _ in range(60)]
heap = []
for x in data:
    heapq.heappush_max(heap, x)
print(heap[0] == max(data), [heapq.heappop_max(heap) for _ in data] == sorted(data, reverse=True))
heap = list(data)
heapq.heapify_max(heap)
print(all(heap[(i - 1) // 2] >= heap[i] for i in range(1, len(heap))))
print(heapq.heappushpop_max(heap, 1000), heapq.heapreplace_max(heap, -1) == max(data), heapq.heappushpop_max([], 5))
for f in (heapq.heappop_max, lambda h: heapq.heapreplace_max(h, 1)):
    try:
        f([])
    except IndexError as e:
        print(e)
