"""The paper's tables and figures on given data, each number beside the paper's, by one command."""
