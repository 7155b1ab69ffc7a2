import os, sys
from __main__ import name
global_variable = [x for x in range(3)]
print(global_variable)
for i in range(3):
    pass
del i
if __debug__:
    print("debug")
while True:
    pass
