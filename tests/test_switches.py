"""What a process asks of its libraries, as environment variables."""

import pytest

import switches


def test_one_number_of_threads_is_given_to_every_library():
    environment = {"GLUONMARK_THREADS": "3", "OMP_NUM_THREADS": "7"}
    assert switches.prepare(environment).threads == 3
    assert {environment[name] for name in switches.THREAD_VARIABLES} == {"3"}


def test_what_nobody_asked_for_is_left_alone():
    environment = {"OMP_NUM_THREADS": "7", "OPENBLAS_THREAD_TIMEOUT": "20"}
    assert switches.prepare(environment) == switches.Switches(None, "threaded", False)
    assert environment == {"OMP_NUM_THREADS": "7", "OPENBLAS_THREAD_TIMEOUT": "20"}


def test_a_worker_of_blas_goes_to_sleep_soon():
    environment = {}
    switches.prepare(environment)
    assert environment == switches.BLAS_PATIENCE


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("GLUONMARK_THREADS", "two", "GLUONMARK_THREADS must be a positive whole number, not 'two'"),
        ("GLUONMARK_THREADS", "0", "GLUONMARK_THREADS must be a positive whole number, not '0'"),
        ("GLUONMARK_ENGINE", "fast", "GLUONMARK_ENGINE must be one of threaded, naive, not 'fast'"),
    ],
)
def test_a_switch_that_means_nothing_is_refused(name, value, message):
    with pytest.raises(ValueError, match=message):
        switches.prepare({name: value})
