//! New RSA keys, as FIPS 186-5, appendix A.1, has them: two primes of half the length, the exponent 65537.

use std::num::NonZeroU32;

use crypto_bigint::{BoxedUint, ConcatenatingMul, Lcm, NonZero, Odd, Resize};
use crypto_primes::hazmat::SmallFactorsSieve;
use crypto_primes::{Flavor, is_prime};
use turnlock::{Class, TargetError};
use zeroize::Zeroizing;

use super::{der, random};

type Number = Zeroizing<BoxedUint>;

const EXPONENT: u32 = 65_537;

/// A new private key of 2048, 3072 or 4096 bits, as PKCS#8.
///
/// It takes as long as it takes to meet two primes: at 4096 bits half a second of a whole processor as a rule, and
/// now and then three times that.
pub(super) fn generate(bits: u32) -> Result<Zeroizing<Vec<u8>>, TargetError> {
    loop {
        if let Some(key) = key(prime(bits / 2)?, prime(bits / 2)?, bits) {
            return Ok(der::pkcs8(der::RSA, &key));
        }
    }
}

/// A prime whose two highest bits are set, so that two of them have a product of the full length.
fn prime(bits: u32) -> Result<Number, TargetError> {
    let length = NonZeroU32::new(bits).ok_or_else(impossible)?;
    loop {
        let mut bytes = random::bytes(bits as usize / 8)?;
        if let Some(first) = bytes.first_mut() {
            *first |= 0xc0;
        }
        let start = BoxedUint::from_be_slice(&bytes, bits).map_err(|_| impossible())?;
        // From a random place upwards, leaving out multiples of small primes.
        let sieve = SmallFactorsSieve::new(start, length, false).map_err(|_| impossible())?;
        let found = sieve.map(Zeroizing::new).find(|candidate| is_prime(Flavor::Any, &**candidate));
        // None where the last number of this length came first.
        if let Some(prime) = found {
            return Ok(prime);
        }
    }
}

/// The key of two primes as PKCS#1, unless FIPS 186-5 has others be drawn.
fn key(one: Number, other: Number, bits: u32) -> Option<Zeroizing<Vec<u8>>> {
    let (p, q) = if *one > *other { (one, other) } else { (other, one) };
    if Zeroizing::new(p.wrapping_sub(&*q)).bits() <= bits / 2 - 100 {
        return None;
    }
    let n = p.concatenating_mul(&*q);
    let (before_p, before_q) = (before(&p)?, before(&q)?);
    let lambda = Zeroizing::new(NonZero::new(before_p.lcm(&before_q)).into_option()?);
    let exponent = BoxedUint::from(EXPONENT).resize(lambda.bits_precision());
    // There is none where a prime is one more than a multiple of the exponent.
    let d = exponent.invert_mod(&lambda).into_option()?;
    let d = Zeroizing::new(d);
    if d.bits() <= bits / 2 {
        return None;
    }
    let (d_p, d_q) = (Zeroizing::new(d.rem(&before_p)), Zeroizing::new(d.rem(&before_q)));
    let modulus = Zeroizing::new(Odd::new(BoxedUint::clone(&p)).into_option()?);
    let q_inverse = Zeroizing::new(q.invert_odd_mod(&modulus).into_option()?);
    let numbers = [&n, &exponent, &*d, &*p, &*q, &*d_p, &*d_q, &*q_inverse].map(number);
    let mut parts = vec![der::unsigned(&[])];
    parts.extend(numbers);
    let parts: Vec<&[u8]> = parts.iter().map(|part| part.as_slice()).collect();
    Some(der::value(der::SEQUENCE, &parts))
}

/// A prime less one.
fn before(prime: &BoxedUint) -> Option<Zeroizing<NonZero<BoxedUint>>> {
    NonZero::new(prime.wrapping_sub(BoxedUint::one())).into_option().map(Zeroizing::new)
}

fn number(number: &BoxedUint) -> Zeroizing<Vec<u8>> {
    der::unsigned(&Zeroizing::new(number.to_be_bytes()))
}

fn impossible() -> TargetError {
    TargetError::new(Class::Unexpected, "no RSA key of that length can be made")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::local::algorithm::Algorithm;
    use crate::local::private_key::PrivateKey;

    #[test]
    fn a_key_has_all_its_bits_and_signs() {
        for bits in [2048, 3072] {
            let (key, _) = PrivateKey::draw(Algorithm::Rs256, bits).unwrap();
            assert_eq!(key.bits(), Some(bits));
            assert!(key.belongs_to(&key.public()).unwrap());
        }
    }

    #[test]
    fn primes_that_are_close_to_each_other_make_no_key() {
        let (one, far) = (prime(1024).unwrap(), prime(1024).unwrap());
        assert!(key(one.clone(), far, 2048).is_some());
        let after = one.wrapping_add(BoxedUint::from(2_u32));
        let mut sieve =
            SmallFactorsSieve::new(after, NonZeroU32::new(1024).unwrap(), false).unwrap();
        let close = sieve.find(|candidate| is_prime(Flavor::Any, candidate)).unwrap();
        assert!(key(one, Zeroizing::new(close), 2048).is_none());
    }

    #[test]
    fn a_prime_has_its_two_highest_bits_set() {
        let prime = prime(512).unwrap();
        assert_eq!(prime.to_be_bytes()[0] & 0xc0, 0xc0);
        assert!(is_prime(Flavor::Any, &*prime));
    }
}
