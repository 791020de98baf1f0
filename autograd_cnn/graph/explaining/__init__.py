"""Why a number is what it is: the terms that an operation summed, or what it chose."""
