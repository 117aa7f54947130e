from . import latiss_mock as latiss_mock
