"""Reads sys.argv[2] frames that claim to be whole of the ring at sys.argv[1], as fast
as it can, and looks whether they are: every eight bytes have the sequence number.
Prints how many were whole, overtaken and torn."""

import sys

import edge_agent

whole = overtaken = torn = 0
with edge_agent.Ring(sys.argv[1]) as ring:
    print("ready", flush=True)
    while whole + torn < int(sys.argv[2]):
        frame = ring.newest()
        if not frame:
            continue
        equal = (frame.data.reshape(-1).view("<u8") == frame.sequence).all()
        if not frame.valid():
            overtaken += 1
        elif equal:
            whole += 1
        else:
            torn += 1
print("result", whole, overtaken, torn)
