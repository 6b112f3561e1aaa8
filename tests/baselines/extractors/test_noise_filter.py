import torch

from cacre.baselines.extractors.noise_filter import NoiseFilter


def learned(noisy_loss):
    """Keep probabilities of noisy and of clean texts, after batches in which a quarter is noisy."""
    torch.manual_seed(2)
    policy = NoiseFilter(2, patience=1.0, warm_up=0)
    optimizer = torch.optim.Adam(policy.parameters(), lr=0.1)
    noisy = torch.arange(16) < 4
    features = torch.stack([noisy.float(), torch.ones(16)], dim=1)
    for _ in range(80):
        optimizer.zero_grad()
        losses = torch.where(noisy, noisy_loss, 0.02) + 0.01 * torch.rand(16)
        policy(features, losses).backward()
        optimizer.step()
    keep = policy.keep_probability(features).detach()
    return float(keep[noisy].mean()), float(keep[~noisy].mean())


def test_texts_that_are_unlikely_beyond_the_spread_are_dropped():
    noisy, clean = learned(noisy_loss=4.0)
    assert noisy < 0.4
    assert clean > 0.9


def test_small_differences_make_no_noise():
    noisy, clean = learned(noisy_loss=0.03)
    assert min(noisy, clean) > 0.9


def test_every_text_counts_during_the_warm_up():
    policy = NoiseFilter(2, patience=1.0, warm_up=1)
    with torch.no_grad():
        policy.policy.bias.fill_(-20.0)
    losses = torch.tensor([1.0, 2.0, 3.0])
    assert policy(torch.zeros(3, 2), losses) == 2.0
    torch.manual_seed(0)
    assert policy(torch.zeros(3, 2), losses) != 2.0
