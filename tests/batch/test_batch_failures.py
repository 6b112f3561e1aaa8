"""What a worker tells of an output that cannot be written."""

import errno

from cacre.batch.failures import raised, told
from cacre.batch.units import Unit
from cacre.errors import OutputError


def test_a_full_disk_keeps_its_number_on_the_way_to_the_driver():
    unit = Unit.__new__(Unit)  # not looked at: the failure is of the disk
    error = raised(told(unit, OutputError(errno.ENOSPC, "No space left on device", "part")))
    assert isinstance(error, OSError)
    assert error.errno == errno.ENOSPC
