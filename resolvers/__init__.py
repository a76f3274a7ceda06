"""What clients can ask for and do, and the one description of what a selection comes to.

``query`` and ``mutation`` declare the root fields; ``roots`` says what each comes to. An operation
meets ``plans`` (worked out once, by ``selections`` and ``coercion``), ``arguments`` (what is asked
for, in the terms of ``db``), and the description: ``connection`` and ``changes`` read pages and
make changes, ``objects`` makes objects of their rows through ``row_code``. ``schema`` puts the
executable schema together; its executor runs the same root fields, for what plans leave to it.
"""
