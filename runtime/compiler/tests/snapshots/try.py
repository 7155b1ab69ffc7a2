def finally_return(a, b):
    try:
        return a
    finally:
        b()


def finally_constant(b):
    try:
        return 1
    finally:
        b()


def named():
    try:
        1 / 0
    except Exception as e:
        tb = e.__traceback__
    return tb


def clauses(f):
    try:
        f()
    except (KeyError, ValueError):
        pass
    except OSError as error:
        raise RuntimeError from error
    except:
        return
    else:
        f.g()
    finally:
        f.h()


def groups(f):
    try:
        f()
    except* OSError as error:
        print(error)
    except* ValueError:
        pass
    else:
        return 1


def leaves(items):
    for item in items:
        try:
            if item:
                continue
            break
        finally:
            print(item)
