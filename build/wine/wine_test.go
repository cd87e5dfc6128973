package wine_test

// asProbe is set for a run of the test binary as the program that is tried in Wine.
const asProbe = "FCC_TEST_AS_PROBE"
