"""Import over REST: reads the list of another server's executions into the database.

``source`` reads the address and the headers, ``connection`` asks the server, ``answers`` reads
what it says, ``retries`` repeats what failed, ``items`` and ``execution_list`` read pages,
``windows`` and ``changes`` decide which, and ``importing`` writes them.
"""
