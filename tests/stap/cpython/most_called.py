"""Functions that are called in known numbers, more often than anything else."""


def often():
    pass


def more_often():
    pass


for i in range(20000):
    often()
    more_often()
    more_often()
